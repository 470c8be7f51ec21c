-- When a program works; nothing: Monday to Friday. The feed's kind 7: the calendar or the zone of a program is another one.
ALTER TABLE programs ADD COLUMN calendar LONGBLOB;

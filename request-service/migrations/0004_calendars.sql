-- The calendars that cases count by, each with its time zone, by the hash of both.
CREATE TABLE calendars (hash VARCHAR(64) NOT NULL PRIMARY KEY, calendar LONGBLOB NOT NULL, created BIGINT NOT NULL);

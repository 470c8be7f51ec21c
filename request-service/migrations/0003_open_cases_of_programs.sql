-- The open cases of a program, without reading past those that ended.
CREATE INDEX cases_open ON cases (consortium, program, open, id);

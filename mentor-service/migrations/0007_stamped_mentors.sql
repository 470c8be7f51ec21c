-- Which write a mentor comes from, for whoever keeps mentors in memory: a row of mentor_writes says how many times one writer (a thread of one
-- process) has written mentors of a consortium. consortium '' and writer 0: since when all writers stamp what they write; 0 if ever since.
ALTER TABLE mentors ADD COLUMN written_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE mentors ADD COLUMN write_number BIGINT NOT NULL DEFAULT 0;
CREATE INDEX mentors_written ON mentors (consortium, written_by, write_number);
CREATE TABLE mentor_writes (
  consortium VARCHAR(64) NOT NULL,
  writer BIGINT NOT NULL,
  last_number BIGINT NOT NULL,
  time BIGINT NOT NULL,
  PRIMARY KEY (consortium, writer)
);

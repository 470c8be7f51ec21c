-- Who has left the program, and whom a candidate is never to have as mentor again.
ALTER TABLE candidates ADD COLUMN unenrolled BIGINT;
ALTER TABLE candidates ADD COLUMN do_not_pair LONGBLOB;

-- Whoever counts or lists those who are there reads past nobody who has left.
CREATE INDEX candidates_alike ON candidates (consortium, program, unenrolled, credential, grade_band, need_key);
CREATE INDEX candidates_without ON candidates (consortium, program, unenrolled, mentor, joined, candidate);
DROP INDEX candidates_need ON candidates;
DROP INDEX candidates_mentor ON candidates;

-- The feed, in commit order: positions are given under the counter's row, which is locked last. kind: 1 a mentor changed, 2 left (program),
-- 3 a candidate was added, 4 left, 5 has another mentor or none, 6 is not to be paired with mentor.
CREATE TABLE feed_position (
  name VARCHAR(32) NOT NULL PRIMARY KEY,
  next BIGINT NOT NULL
);
INSERT INTO feed_position (name, next) VALUES ('roster', 1);
CREATE TABLE roster_changes (
  position BIGINT NOT NULL PRIMARY KEY,
  consortium VARCHAR(64) NOT NULL,
  kind BIGINT NOT NULL,
  program VARCHAR(64) NOT NULL,
  candidate VARCHAR(64) NOT NULL,
  mentor VARCHAR(64) NOT NULL,
  assignment VARCHAR(64) NOT NULL,
  seat VARCHAR(128) NOT NULL,
  mentor_left BIGINT NOT NULL,
  time BIGINT NOT NULL
);
CREATE INDEX roster_changes_by_consortium ON roster_changes (consortium, position);

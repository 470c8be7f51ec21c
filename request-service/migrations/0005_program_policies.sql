-- Which policy new cases of a program follow: the last of its versions, and the row that is locked for the next; version 0 while there is
-- none.
CREATE TABLE program_policies (
  consortium VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  version BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  created BIGINT NOT NULL,
  creator VARCHAR(255) NOT NULL,
  PRIMARY KEY (consortium, program)
);

-- All that they ever followed, and who said so.
CREATE TABLE program_policy_versions (
  consortium VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  version BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  created BIGINT NOT NULL,
  creator VARCHAR(255) NOT NULL,
  PRIMARY KEY (consortium, program, version)
);
CREATE INDEX program_policy_versions_by_hash ON program_policy_versions (hash);

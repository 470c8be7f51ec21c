-- Requests that were carried out, with their answers (platform/group_commit.h).
CREATE TABLE requests (
  scope VARCHAR(255) NOT NULL,
  request_id VARCHAR(128) NOT NULL,
  attempt VARCHAR(64) NOT NULL,
  body_hash VARCHAR(64) NOT NULL,
  reply LONGBLOB,
  created BIGINT NOT NULL,
  PRIMARY KEY (scope, request_id)
);
CREATE INDEX requests_by_age ON requests (created);

-- Replicas that live (platform/leases.h).
CREATE TABLE replicas (replica VARCHAR(64) NOT NULL PRIMARY KEY, beat BIGINT NOT NULL, seen BIGINT NOT NULL);

-- One row a case: what lists ask for, and the folded state. `leader` and `alternate` are who may read it: `leader` is empty when the
-- leader is the current mentor. `events` and `head_hash` are the length and the head of its audit chain.
CREATE TABLE cases (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  candidate VARCHAR(255) NOT NULL,
  state BIGINT NOT NULL,
  open BIGINT NOT NULL,
  leader VARCHAR(255) NOT NULL,
  alternate VARCHAR(255) NOT NULL,
  next_due BIGINT NOT NULL,
  version BIGINT NOT NULL,
  events BIGINT NOT NULL,
  head_hash VARCHAR(64) NOT NULL,
  folded LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, id)
);
CREATE INDEX cases_by_program ON cases (consortium, program, id);
CREATE INDEX cases_by_candidate ON cases (consortium, candidate, id);

-- One open case a candidate: a row that is never deleted, whose `case_id` is empty while there is none.
CREATE TABLE open_cases (
  consortium VARCHAR(63) NOT NULL,
  candidate VARCHAR(255) NOT NULL,
  case_id VARCHAR(63) NOT NULL,
  PRIMARY KEY (consortium, candidate)
);

-- The audit trail. `event` holds the bytes that the hash is of.
CREATE TABLE events (
  consortium VARCHAR(63) NOT NULL,
  case_id VARCHAR(63) NOT NULL,
  sequence BIGINT NOT NULL,
  time BIGINT NOT NULL,
  type VARCHAR(64) NOT NULL,
  event LONGBLOB NOT NULL,
  hash VARCHAR(64) NOT NULL,
  PRIMARY KEY (consortium, case_id, sequence)
);

-- The outbox: what is to be done at the peers. A row goes when its answer is applied. `poison` rows are set aside.
CREATE TABLE effects (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(128) NOT NULL,
  program VARCHAR(63) NOT NULL,
  case_id VARCHAR(63) NOT NULL,
  due BIGINT NOT NULL,
  owner VARCHAR(64) NOT NULL,
  epoch BIGINT NOT NULL,
  created BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  refusals BIGINT NOT NULL,
  poison BIGINT NOT NULL,
  effect LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, id)
);
CREATE UNIQUE INDEX effects_by_id ON effects (id);
CREATE INDEX effects_by_owner ON effects (owner, due);
CREATE INDEX effects_by_age ON effects (poison, created);

-- When time does something by itself: one row a case that waits for it.
CREATE TABLE timers (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  due BIGINT NOT NULL,
  owner VARCHAR(64) NOT NULL,
  epoch BIGINT NOT NULL,
  refusals BIGINT NOT NULL,
  PRIMARY KEY (consortium, id)
);
CREATE UNIQUE INDEX timers_by_id ON timers (id);
CREATE INDEX timers_by_owner ON timers (owner, due);
CREATE INDEX timers_by_due ON timers (due);

-- Tasks of people, ended ones included.
CREATE TABLE tasks (
  consortium VARCHAR(63) NOT NULL,
  case_id VARCHAR(63) NOT NULL,
  task VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  leader VARCHAR(255) NOT NULL,
  alternate VARCHAR(255) NOT NULL,
  open BIGINT NOT NULL,
  due BIGINT NOT NULL,
  folded LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, case_id, task)
);
CREATE INDEX tasks_by_due ON tasks (consortium, program, open, due, case_id, task);

-- Who learned what.
CREATE TABLE disclosures (
  consortium VARCHAR(63) NOT NULL,
  case_id VARCHAR(63) NOT NULL,
  sequence BIGINT NOT NULL,
  disclosure LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, case_id, sequence)
);

-- Private: reasons and notes, by the event with which they were written.
CREATE TABLE private_texts (
  consortium VARCHAR(63) NOT NULL,
  case_id VARCHAR(63) NOT NULL,
  sequence BIGINT NOT NULL,
  time BIGINT NOT NULL,
  step VARCHAR(32) NOT NULL,
  text LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, case_id, sequence)
);

-- Private: how to reach people who were named, and what the Leader said of them.
CREATE TABLE people_private (
  consortium VARCHAR(63) NOT NULL,
  case_id VARCHAR(63) NOT NULL,
  person VARCHAR(63) NOT NULL,
  contact LONGBLOB NOT NULL,
  attributes LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, case_id, person)
);

-- Versions of the policy, by what they say. Immutable.
CREATE TABLE policies (hash VARCHAR(64) NOT NULL PRIMARY KEY, policy LONGBLOB NOT NULL, created BIGINT NOT NULL);

-- How far the feeds of the peers were followed.
CREATE TABLE cursors (feed VARCHAR(64) NOT NULL PRIMARY KEY, position BIGINT NOT NULL);

-- Keys of this service, such as the one of reply codes.
CREATE TABLE secrets (name VARCHAR(64) NOT NULL PRIMARY KEY, secret LONGBLOB NOT NULL);

-- Answers to requests by their ids: see platform/group_commit.h.
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

-- Which replicas live: see platform/leases.h.
CREATE TABLE replicas (
  replica VARCHAR(64) NOT NULL PRIMARY KEY,
  beat BIGINT NOT NULL,
  seen BIGINT NOT NULL
);

-- One row per key, kept for good: it is what refuses a second message. Small, since every attempt rewrites it.
-- maker: the batch that inserted the row. readers: names of persons, one a line. MySQL cuts what a column has no room for, without a word,
-- from rows that are inserted with IGNORE: each column is as wide as what the service accepts.
CREATE TABLE notifications (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(128) NOT NULL,
  maker VARCHAR(32) NOT NULL,
  created BIGINT NOT NULL,
  origin VARCHAR(255) NOT NULL,
  readers VARCHAR(4100) NOT NULL,
  content_hash VARCHAR(64) NOT NULL,
  message_id VARCHAR(300) NOT NULL,
  state BIGINT NOT NULL,
  cancel_asked BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  beginnings BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  resends BIGINT NOT NULL,
  pauses BIGINT NOT NULL,
  last_error VARCHAR(32) NOT NULL,
  queued BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  may_have_arrived BIGINT NOT NULL,
  PRIMARY KEY (consortium, id)
);
CREATE INDEX notifications_by_time ON notifications (consortium, created, id);
CREATE INDEX notifications_by_origin ON notifications (consortium, origin, created, id);

-- What a message says: written once. content is a rematch.notify.stored.Content.
CREATE TABLE contents (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(128) NOT NULL,
  content LONGBLOB NOT NULL,
  text_body LONGBLOB NOT NULL,
  html_body LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, id)
);

-- What is still to be sent or settled; a row goes when its message ends. id: consortium/id.
CREATE TABLE sends (
  id VARCHAR(192) NOT NULL PRIMARY KEY,
  consortium VARCHAR(63) NOT NULL,
  notification VARCHAR(128) NOT NULL,
  accepted BIGINT NOT NULL,
  due BIGINT NOT NULL,
  owner VARCHAR(64) NOT NULL,
  epoch BIGINT NOT NULL
);
CREATE INDEX sends_by_due ON sends (owner, due);
CREATE INDEX sends_by_age ON sends (accepted);

-- The feed, in commit order: positions are given under the counter's row, which is locked last.
CREATE TABLE feed_position (
  name VARCHAR(32) NOT NULL PRIMARY KEY,
  next BIGINT NOT NULL
);
INSERT INTO feed_position (name, next) VALUES ('deliveries', 1);
CREATE TABLE deliveries (
  position BIGINT NOT NULL PRIMARY KEY,
  consortium VARCHAR(63) NOT NULL,
  notification VARCHAR(128) NOT NULL,
  origin VARCHAR(255) NOT NULL,
  state BIGINT NOT NULL,
  may_have_arrived BIGINT NOT NULL,
  time BIGINT NOT NULL
);
CREATE INDEX deliveries_by_consortium ON deliveries (consortium, position);

-- The roster of every consortium. Every key begins with the consortium; program is a column. Instants are microseconds since the epoch in
-- UTC. Lists are their values separated by line ends (no value holds one). An empty id means: none.

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

CREATE TABLE consortia (
  consortium VARCHAR(64) NOT NULL,
  display_name VARCHAR(200) NOT NULL,
  PRIMARY KEY (consortium)
);

CREATE TABLE districts (
  consortium VARCHAR(64) NOT NULL,
  district VARCHAR(64) NOT NULL,
  display_name VARCHAR(200) NOT NULL,
  representative_name VARCHAR(200) NOT NULL,
  representative_email VARCHAR(254) NOT NULL,
  representative_phone VARCHAR(40) NOT NULL,
  PRIMARY KEY (consortium, district)
);

CREATE TABLE sites (
  consortium VARCHAR(64) NOT NULL,
  site VARCHAR(64) NOT NULL,
  district VARCHAR(64) NOT NULL,
  display_name VARCHAR(200) NOT NULL,
  administrator_name VARCHAR(200) NOT NULL,
  administrator_email VARCHAR(254) NOT NULL,
  administrator_phone VARCHAR(40) NOT NULL,
  PRIMARY KEY (consortium, site)
);

CREATE TABLE programs (
  consortium VARCHAR(64) NOT NULL,
  program VARCHAR(64) NOT NULL,
  display_name VARCHAR(200) NOT NULL,
  time_zone VARCHAR(64) NOT NULL,
  leader VARCHAR(64) NOT NULL,
  leader_name VARCHAR(200) NOT NULL,
  leader_email VARCHAR(254) NOT NULL,
  leader_phone VARCHAR(40) NOT NULL,
  leader_mentor VARCHAR(64) NOT NULL,
  alternate VARCHAR(64) NOT NULL,
  alternate_name VARCHAR(200) NOT NULL,
  alternate_email VARCHAR(254) NOT NULL,
  alternate_phone VARCHAR(40) NOT NULL,
  alternate_mentor VARCHAR(64) NOT NULL,
  PRIMARY KEY (consortium, program)
);

-- The check is the last line of defence: commands find a full mentor by reading.
CREATE TABLE mentors (
  consortium VARCHAR(64) NOT NULL,
  mentor VARCHAR(64) NOT NULL,
  joined BIGINT NOT NULL,
  name VARCHAR(200) NOT NULL,
  email VARCHAR(254) NOT NULL,
  phone VARCHAR(40) NOT NULL,
  district VARCHAR(64) NOT NULL,
  programs LONGBLOB NOT NULL,
  credentials LONGBLOB NOT NULL,
  grade_bands LONGBLOB NOT NULL,
  subjects LONGBLOB NOT NULL,
  supervised_sites LONGBLOB NOT NULL,
  capacity BIGINT NOT NULL,
  interested_in_more BIGINT NOT NULL,
  years_mentored BIGINT NOT NULL,
  opted_out BIGINT NOT NULL,
  state BIGINT NOT NULL,
  assigned BIGINT NOT NULL,
  held BIGINT NOT NULL,
  has_mentored BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (consortium, mentor),
  CONSTRAINT mentors_seats CHECK (assigned >= 0 AND held >= 0 AND assigned + held <= capacity)
);
CREATE INDEX mentors_joined ON mentors (consortium, joined, mentor);

-- Who has an email, in lower case: unique in its consortium.
CREATE TABLE mentor_emails (
  consortium VARCHAR(64) NOT NULL,
  email VARCHAR(254) NOT NULL,
  mentor VARCHAR(64) NOT NULL,
  PRIMARY KEY (consortium, email)
);

-- The members of a program, as mentors.programs says, to find them by program.
CREATE TABLE mentor_programs (
  consortium VARCHAR(64) NOT NULL,
  program VARCHAR(64) NOT NULL,
  mentor VARCHAR(64) NOT NULL,
  joined BIGINT NOT NULL,
  PRIMARY KEY (consortium, program, mentor)
);
CREATE INDEX mentor_programs_joined ON mentor_programs (consortium, program, joined, mentor);

-- One row per candidate, never deleted, which alone says who their mentor of record is: at most one at any instant.
CREATE TABLE candidates (
  consortium VARCHAR(64) NOT NULL,
  candidate VARCHAR(64) NOT NULL,
  program VARCHAR(64) NOT NULL,
  joined BIGINT NOT NULL,
  name VARCHAR(200) NOT NULL,
  email VARCHAR(254) NOT NULL,
  phone VARCHAR(40) NOT NULL,
  site VARCHAR(64) NOT NULL,
  credential VARCHAR(64) NOT NULL,
  grade_band VARCHAR(64) NOT NULL,
  subjects LONGBLOB NOT NULL,
  enrolled BIGINT,
  mentor VARCHAR(64) NOT NULL,
  assignment VARCHAR(64) NOT NULL,
  assigned_at BIGINT,
  without_mentor_since BIGINT,
  PRIMARY KEY (consortium, candidate)
);
CREATE INDEX candidates_joined ON candidates (consortium, program, joined, candidate);
CREATE INDEX candidates_mentor ON candidates (consortium, program, mentor, joined, candidate);

-- History: who mentored whom from when to when. Never deleted.
CREATE TABLE assignments (
  consortium VARCHAR(64) NOT NULL,
  assignment VARCHAR(64) NOT NULL,
  candidate VARCHAR(64) NOT NULL,
  program VARCHAR(64) NOT NULL,
  mentor VARCHAR(64) NOT NULL,
  begin_time BIGINT NOT NULL,
  end_time BIGINT,
  PRIMARY KEY (consortium, assignment)
);
CREATE INDEX assignments_begin ON assignments (consortium, begin_time, assignment);
CREATE INDEX assignments_candidate ON assignments (consortium, candidate, begin_time, assignment);
CREATE INDEX assignments_mentor ON assignments (consortium, mentor, begin_time, assignment);

CREATE TABLE seats (
  consortium VARCHAR(64) NOT NULL,
  seat VARCHAR(128) NOT NULL,
  mentor VARCHAR(64) NOT NULL,
  candidate VARCHAR(64) NOT NULL,
  program VARCHAR(64) NOT NULL,
  state BIGINT NOT NULL,
  held_at BIGINT,
  ended_at BIGINT,
  assignment VARCHAR(64) NOT NULL,
  PRIMARY KEY (consortium, seat)
);
CREATE INDEX seats_state ON seats (consortium, state, seat);

-- The ids that programs use in their files, for imports only. kind: 1 district, 2 site, 3 mentor, 4 candidate.
CREATE TABLE external_ids (
  consortium VARCHAR(64) NOT NULL,
  kind BIGINT NOT NULL,
  external_id VARCHAR(64) NOT NULL,
  internal_id VARCHAR(64) NOT NULL,
  PRIMARY KEY (consortium, kind, external_id)
);

-- Letters to candidates that are of no case, with what they answered. `mentor` is whom an answer is about; `words` are private.
CREATE TABLE letters (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(128) NOT NULL,
  program VARCHAR(63) NOT NULL,
  candidate VARCHAR(255) NOT NULL,
  survey VARCHAR(63) NOT NULL,
  mentor VARCHAR(255) NOT NULL,
  state BIGINT NOT NULL,
  letter LONGBLOB NOT NULL,
  words LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, id)
);
CREATE INDEX letters_by_survey ON letters (consortium, survey, candidate);
CREATE INDEX letters_by_candidate ON letters (consortium, candidate, id);

-- What letters ask about: all candidates of a program, or the one whose mentor was changed.
CREATE TABLE surveys (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  survey LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, id)
);
CREATE INDEX surveys_by_program ON surveys (consortium, program, id);

-- Concerns of candidates. `mentor` is whom one is about; `words` and `note` are private.
CREATE TABLE concerns (
  consortium VARCHAR(63) NOT NULL,
  id VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  mentor VARCHAR(255) NOT NULL,
  open BIGINT NOT NULL,
  concern LONGBLOB NOT NULL,
  words LONGBLOB NOT NULL,
  note LONGBLOB NOT NULL,
  PRIMARY KEY (consortium, id)
);
CREATE INDEX concerns_by_program ON concerns (consortium, program, open, id);

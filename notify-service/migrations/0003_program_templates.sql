-- What programs say in messages of a kind: the newest of each version, which is the row that is locked for the next; version 0 while there is
-- none. hash: of a row of template_sources; empty: as the release says it.
CREATE TABLE program_templates (
  consortium VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  kind VARCHAR(63) NOT NULL,
  version BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  created BIGINT NOT NULL,
  creator VARCHAR(255) NOT NULL,
  PRIMARY KEY (consortium, program, kind)
);

-- All that they ever said, and who said so.
CREATE TABLE program_template_versions (
  consortium VARCHAR(63) NOT NULL,
  program VARCHAR(63) NOT NULL,
  kind VARCHAR(63) NOT NULL,
  version BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  created BIGINT NOT NULL,
  creator VARCHAR(255) NOT NULL,
  PRIMARY KEY (consortium, program, kind, version)
);

-- The words, once for all programs that use the same: hash is of what source, a rematch.notify.v1.TemplateSource, says.
CREATE TABLE template_sources (
  hash VARCHAR(64) NOT NULL PRIMARY KEY,
  source LONGBLOB NOT NULL
);

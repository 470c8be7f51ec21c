-- Whether a district's mentors may be asked for candidates of others, and its candidates get mentors of others: closed until both say so.
ALTER TABLE districts ADD COLUMN lends_mentors BIGINT NOT NULL DEFAULT 0;
ALTER TABLE districts ADD COLUMN borrows_mentors BIGINT NOT NULL DEFAULT 0;

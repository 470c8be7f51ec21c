-- How many candidates of a program cannot be told from one of them, read off one index, as many entries as are asked for. need_key stands for
-- credential, grade band and subjects together and is written with the row; '' in rows from before, which count as equal to nobody in all
-- three until they are written again.
ALTER TABLE candidates ADD COLUMN need_key VARCHAR(64) NOT NULL DEFAULT '';
CREATE INDEX candidates_need ON candidates (consortium, program, credential, grade_band, need_key);

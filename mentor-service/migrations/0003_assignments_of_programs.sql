-- Whoever leads some programs of a consortium sees their history without reading past that of others.
CREATE INDEX assignments_program ON assignments (consortium, program, begin_time, assignment);

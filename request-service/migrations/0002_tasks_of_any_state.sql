-- Lists of tasks that show ended ones too, in the order of their due times.
CREATE INDEX tasks_of_any_state ON tasks (consortium, program, due, case_id, task);

"""Ad hoc SQL: one SELECT on a published snapshot, in a child process that can do no harm."""

-- Answers of models, by a name for everything that was asked. Times are milliseconds since 1970.
CREATE TABLE cached_answer (
    question TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,
    used_at  INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    answer   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX cached_answer_by_use ON cached_answer (used_at);

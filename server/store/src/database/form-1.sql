-- Pleach's own number: with the first table, so that no other server takes the file for a stranger's.
PRAGMA application_id = 1886152033;

-- Texts of files, each once, by the BLAKE3 hash of their bytes.
CREATE TABLE text (
    hash    TEXT PRIMARY KEY,
    content TEXT NOT NULL
) WITHOUT ROWID;

-- Landed edits. Times are milliseconds since 1970.
CREATE TABLE landing (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    folder      TEXT NOT NULL,
    job         INTEGER NOT NULL,
    action      TEXT NOT NULL,
    instruction TEXT,
    engine      TEXT NOT NULL,
    title       TEXT NOT NULL,
    undoes      INTEGER,
    undone_at   INTEGER
);
CREATE INDEX landing_by_folder ON landing (folder, id);

-- What a landing did to one file. `text` is what it left in it, or for a deleted file what it took away;
-- `inverse` leads from there to what was there before.
CREATE TABLE landed_file (
    landing INTEGER NOT NULL REFERENCES landing (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    deed    TEXT NOT NULL CHECK (deed IN ('edit', 'create', 'delete', 'rename')),
    path    TEXT NOT NULL,
    origin  TEXT,
    text    TEXT NOT NULL REFERENCES text (hash),
    inverse TEXT,
    PRIMARY KEY (landing, number)
) WITHOUT ROWID;
CREATE INDEX landed_file_by_text ON landed_file (text);

-- Answers with hunks that wait for a decision. `review` is what is left of them, as JSON.
CREATE TABLE waiting (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    folder      TEXT NOT NULL,
    action      TEXT NOT NULL,
    instruction TEXT,
    engine      TEXT NOT NULL,
    title       TEXT NOT NULL,
    reply       TEXT NOT NULL,
    review      TEXT NOT NULL
);
CREATE INDEX waiting_by_folder ON waiting (folder, id);

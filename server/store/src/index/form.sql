-- What the files of a workspace define, use and say. All of it can be made again from the files, so a
-- form that has changed is not brought up to date: the file is begun anew.
CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    stamp INTEGER NOT NULL
) STRICT;

-- Names are long and often repeated; elsewhere their numbers stand.
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE symbol (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    name INTEGER NOT NULL,
    kind TEXT NOT NULL,
    container TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
CREATE INDEX symbol_of_file ON symbol (file);
CREATE INDEX symbol_of_name ON symbol (name);

CREATE TABLE name_use (
    name INTEGER NOT NULL,
    file INTEGER NOT NULL,
    times INTEGER NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (name, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX name_use_of_file ON name_use (file);

CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
CREATE INDEX chunk_of_file ON chunk (file);

-- What can be embedded. `print` is what its text is known by.
CREATE TABLE piece (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    print BLOB NOT NULL
) STRICT;
CREATE INDEX piece_of_file ON piece (file);
CREATE INDEX piece_of_print ON piece (print);

-- Without their texts: these stand in the files.
CREATE VIRTUAL TABLE symbol_words USING fts5 (
    name, around, content = '', contentless_delete = 1, tokenize = 'porter unicode61'
);
CREATE VIRTUAL TABLE chunk_words USING fts5 (
    path, said, content = '', contentless_delete = 1, tokenize = 'porter unicode61'
);

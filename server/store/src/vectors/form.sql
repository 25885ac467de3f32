-- Embeddings of pieces of the texts of a workspace, without the texts. They have cost money, so they lie
-- beside the index and not in it: that is made anew more often.
CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- How many numbers its vectors have.
    length INTEGER NOT NULL
) STRICT;

CREATE TABLE vector (
    id INTEGER PRIMARY KEY,
    model INTEGER NOT NULL,
    -- What the text is known by.
    print BLOB NOT NULL,
    -- A signed byte for each number; none where the model cannot embed the text.
    numbers BLOB NOT NULL,
    -- The last day on which the index had the text, counted from 1970.
    seen INTEGER NOT NULL,
    UNIQUE (model, print)
) STRICT;

-- Tokens that were sent, by day.
CREATE TABLE sent (
    day INTEGER PRIMARY KEY,
    tokens INTEGER NOT NULL
) STRICT;

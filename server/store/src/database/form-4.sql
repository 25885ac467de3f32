-- Findings that a person has dismissed, by what they are known again. Times are milliseconds since 1970.
CREATE TABLE dismissed_finding (
    folder      TEXT NOT NULL,
    path        TEXT NOT NULL,
    rule        TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (folder, path, rule, fingerprint)
) WITHOUT ROWID;

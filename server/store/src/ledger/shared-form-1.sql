-- Calls of models, as in the database of one person. Times are milliseconds since 1970, amounts millionths of
-- the currency's unit; NULL is unknown, never nothing.
CREATE TABLE model_call (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                 BIGINT NOT NULL,
    deadline           BIGINT NOT NULL,
    server             TEXT NOT NULL,
    person             TEXT NOT NULL,
    workspace          TEXT NOT NULL,
    job                BIGINT NOT NULL,
    action             TEXT NOT NULL,
    role               TEXT NOT NULL,
    provider           TEXT NOT NULL,
    model              TEXT NOT NULL,
    currency           TEXT NOT NULL,
    state              TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'lost')),
    least              BIGINT,
    most               BIGINT,
    reserved           BIGINT,
    input_tokens       BIGINT,
    output_tokens      BIGINT,
    cached_tokens      BIGINT,
    cache_write_tokens BIGINT,
    reasoning_tokens   BIGINT,
    cost               BIGINT,
    measure            TEXT CHECK (measure IN ('provider', 'estimate', 'nothing')),
    outcome            TEXT CHECK (outcome IN ('answered', 'failed', 'cancelled', 'stopped')),
    code               TEXT,
    verdict            TEXT CHECK (verdict IN ('clean', 'refused')),
    first_ms           BIGINT,
    total_ms           BIGINT
);
CREATE INDEX model_call_by_time ON model_call (at);
CREATE INDEX model_call_by_state ON model_call (state, deadline);

-- Who does what only one server may do at a time, and until when by this database's clock. `fence` grows with each taking over:
-- what is written under an older one is refused.
CREATE TABLE lease (
    role TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    until BIGINT NOT NULL
);

-- What a request made, so that it is not made twice when AWS has forgotten the request. A request is one of its operation, in its
-- account and region, as AWS's tokens are; `digest` is of what was asked for, `answer` what was answered. Nothing has been written into the table before.
DROP TABLE request;
CREATE TABLE request (
    place BIGINT NOT NULL,
    operation TEXT NOT NULL,
    id TEXT NOT NULL,
    digest TEXT NOT NULL,
    job TEXT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (place, operation, id)
);
CREATE INDEX request_at ON request (at);

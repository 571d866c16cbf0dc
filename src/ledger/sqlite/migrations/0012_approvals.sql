-- What a second person was asked to agree with: the request as base64, who asks, who decides, and what it is about before
-- and after as JSON.
CREATE TABLE approval (
    id TEXT NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL,
    action TEXT NOT NULL,
    request TEXT NOT NULL,
    request_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    shown TEXT NOT NULL,
    requester TEXT NOT NULL,
    requester_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    decider TEXT,
    agrees INTEGER,
    note TEXT,
    decided INTEGER,
    used INTEGER,
    after TEXT
) STRICT;
CREATE INDEX approval_request ON approval (requester_name, request_id, asked);
CREATE INDEX approval_asked ON approval (place, asked, id);
CREATE INDEX approval_age ON approval (asked);

-- What people edit with care: who may come in, and the rules. The truth is here; each change writes its audit row
-- and the messages that tell the bus (outbox) in the same transaction.

CREATE TABLE users (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username      text NOT NULL UNIQUE CHECK (username = lower(username) AND username <> ''),
    password_hash text NOT NULL,
    role          text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    disabled      boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN users.password_hash IS 'Argon2id, with its parameters';

CREATE TABLE tokens (
    id         text PRIMARY KEY,
    use        text NOT NULL CHECK (use IN ('bearer', 'session')),
    hash       text NOT NULL UNIQUE,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin', 'ingest')),
    user_id    uuid REFERENCES users ON DELETE CASCADE,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CHECK (use = 'bearer' OR (user_id IS NOT NULL AND expires_at IS NOT NULL))
);
COMMENT ON COLUMN tokens.hash IS 'SHA-256 of the token, hex; the token itself is stored nowhere';
COMMENT ON COLUMN tokens.name IS 'What a bearer token is called; the user of a session';
CREATE UNIQUE INDEX tokens_bearer_name ON tokens (name) WHERE use = 'bearer';
CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE rule_groups (
    name         text PRIMARY KEY,
    version      integer NOT NULL CHECK (version >= 1),
    origin       text NOT NULL CHECK (origin IN ('file', 'api')),
    content      jsonb NOT NULL,
    content_hash text NOT NULL,
    updated_by   text NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz
);
COMMENT ON TABLE rule_groups IS 'A deleted group keeps its row, so that its versions go on counting if it comes back';
COMMENT ON COLUMN rule_groups.content IS 'The group as it is on pantau.rules';
COMMENT ON COLUMN rule_groups.content_hash IS 'Of the content without version, origin, author and time';

CREATE TABLE audit_log (
    id      text PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    subject text NOT NULL,
    address text,
    before  jsonb,
    after   jsonb
);
CREATE INDEX audit_log_at ON audit_log (at);
CREATE INDEX audit_log_subject ON audit_log (subject, at);

-- Messages that are to be on the bus. Changes of one key are serialized by the row they change, so the order of ids is
-- the order of their commits; api's publisher sends them in this order and deletes them once they are acknowledged.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    key        text NOT NULL,
    payload    bytea,
    event_id   text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN outbox.payload IS 'The message as it goes on the bus; NULL is a tombstone';
COMMENT ON COLUMN outbox.event_id IS 'CloudEvents id: the same when the message is sent again';

CREATE FUNCTION outbox_announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pantau_outbox', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER outbox_announce AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_announce();

CREATE TABLE IF NOT EXISTS account (
    id    text   PRIMARY KEY,
    cents bigint NOT NULL CHECK (cents >= 0)
);

-- The last line: whatever else goes wrong, an order is paid once.
CREATE TABLE IF NOT EXISTS transfer (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payer   text   NOT NULL REFERENCES account,
    payee   text   NOT NULL REFERENCES account,
    cents   bigint NOT NULL CHECK (cents > 0),
    invoice text   NOT NULL,
    UNIQUE (payer, invoice)
);

INSERT INTO account VALUES ('alice', 10000), ('bob', 0) ON CONFLICT DO NOTHING;

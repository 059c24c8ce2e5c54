CREATE TABLE IF NOT EXISTS idem_testbed_run (
    namespace text, note text, run text, effect bool NOT NULL,
    PRIMARY KEY (namespace, note, run, effect)
);
CREATE TABLE IF NOT EXISTS idem_testbed_change (
    namespace text, payment text, changes int8 NOT NULL, PRIMARY KEY (namespace, payment)
);
CREATE TABLE IF NOT EXISTS idem_testbed_charge (
    namespace text, note text, downstream_key text, payment text NOT NULL,
    PRIMARY KEY (namespace, note, downstream_key)
);
CREATE TABLE IF NOT EXISTS idem_testbed_hook (
    namespace text, note text, entries int8 NOT NULL, PRIMARY KEY (namespace, note)
);
CREATE SEQUENCE IF NOT EXISTS idem_testbed_seq;

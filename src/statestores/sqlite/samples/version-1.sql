-- A store as version 1 left it: its schema, and a row of each kind that must outlive the update.
CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoints (name TEXT PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE signals (id TEXT PRIMARY KEY, actor TEXT NOT NULL, last INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX signals_by_actor ON signals (actor, last);
CREATE INDEX signals_by_time ON signals (last);
CREATE TABLE cases (id TEXT PRIMARY KEY, state TEXT NOT NULL, updated INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX cases_by_state ON cases (state, updated);
CREATE INDEX cases_by_time ON cases (updated);
CREATE TABLE proposals (id TEXT PRIMARY KEY, state TEXT NOT NULL, target TEXT NOT NULL, created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX proposals_by_state ON proposals (state, created);
CREATE INDEX proposals_by_target ON proposals (target, created);
CREATE INDEX proposals_by_time ON proposals (created);
CREATE TABLE ledger (row INTEGER PRIMARY KEY, decision TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX ledger_by_decision ON ledger (decision, row);
CREATE TABLE standing (
  decision TEXT PRIMARY KEY, row INTEGER NOT NULL, holds INTEGER NOT NULL, low INTEGER, high INTEGER,
  starts INTEGER NOT NULL, ends INTEGER NOT NULL
);
CREATE INDEX standing_holding ON standing (ends) WHERE holds = 1;
CREATE INDEX standing_by_row ON standing (row);
CREATE INDEX standing_by_address ON standing (low, high);
CREATE TABLE evidence (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, address INTEGER NOT NULL, time INTEGER NOT NULL,
  source TEXT NOT NULL, line INTEGER NOT NULL, place INTEGER NOT NULL, message TEXT NOT NULL, action TEXT NOT NULL,
  outcome TEXT NOT NULL, user TEXT NOT NULL, agent TEXT NOT NULL, status INTEGER NOT NULL, count INTEGER NOT NULL
);
CREATE INDEX evidence_by_address ON evidence (address, time);
CREATE TABLE sign_ins (address INTEGER PRIMARY KEY, count INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, users TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX sign_ins_by_time ON sign_ins (last);
CREATE TABLE releases (
  row INTEGER PRIMARY KEY, target TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, until INTEGER NOT NULL,
  by TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX releases_by_address ON releases (low, high);
CREATE TABLE lists (name TEXT NOT NULL, place INTEGER NOT NULL, target TEXT NOT NULL, note TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (name, place)) WITHOUT ROWID;
CREATE TABLE audit (row INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);
INSERT INTO cursors VALUES ('/var/log/auth.log', 'cursor-7');
INSERT INTO ledger (decision, body) VALUES ('d1234567', '{"id":"d1234567","action":"ban","target":"45.9.20.31","from":100,"until":200,"origin":{"kind":"person","name":"sora","via":"cli"},"reason":"by hand","evidence":[],"state":"enforced","at":100}');
INSERT INTO standing VALUES ('d1234567', 1, 1, 755569695, 755569695, 100, 200);
INSERT INTO evidence VALUES (1, 'k1', 755569695, 1000, 'auth.log', 7, 100, 'Failed password', 'ssh_login', 'failure', 'root', '', 0, 1);
PRAGMA user_version = 1;

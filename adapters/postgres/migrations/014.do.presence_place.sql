-- Where the process has the sockets of its presence: `elsewhere` in another store; `ready`: here, and it could go there; null: here.
alter table process_leases add column place text;

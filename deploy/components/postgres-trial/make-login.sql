-- Run by the image once, when the server is new: makes the login that the Job lets in.
\set password `cat /etc/nodevigil/postgres/password`
CREATE ROLE agents LOGIN PASSWORD :'password';

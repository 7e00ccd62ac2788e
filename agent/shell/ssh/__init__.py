"""Shell room: the front end by SSH (RFC 4250–4254), on asyncssh. It is loaded only for a lab that has a router with `ssh`."""

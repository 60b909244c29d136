// Servers for a load generator: echo over TCP or a Unix socket, and a minimal HTTP.
#ifndef SERVERS_H
#define SERVERS_H

#include <stdbool.h>

// Serves until a signal ends the process.
void serve_tcp(const char *host, int port, bool http);
void serve_unix(const char *path);

#endif

/*
 * Preloaded into snmpd by `--without-libwrap`: Debian's snmpd asks libwrap about each datagram, which opens and reads
 * /etc/hosts.allow and /etc/hosts.deny every time. With this answer ("allowed") the cost of that can be told apart.
 */
int hosts_ctl(const char *daemon, const char *name, const char *address, const char *user);

int hosts_ctl(const char *daemon, const char *name, const char *address, const char *user)
{
    (void)daemon;
    (void)name;
    (void)address;
    (void)user;
    return 1;
}

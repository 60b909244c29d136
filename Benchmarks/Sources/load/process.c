// What the server's process uses, as /proc tells it.

#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const char *number(void) {
    const char *text = getenv("PEER_PID");
    return text != NULL && atoi(text) > 0 ? text : NULL;
}

bool process_known(void) {
    return number() != NULL;
}

// schedstat counts in nanoseconds, where stat has hundredths of a second. Threads that have ended are left out.
double process_cpu(void) {
    if (!process_known()) return 0;
    char path[512];
    snprintf(path, sizeof path, "/proc/%s/task", number());
    DIR *threads = opendir(path);
    if (threads == NULL) return 0;
    double sum = 0;
    struct dirent *entry;
    while ((entry = readdir(threads)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", number(), entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        unsigned long long nanoseconds;
        if (fscanf(file, "%llu", &nanoseconds) == 1) sum += (double)nanoseconds / 1e9;
        fclose(file);
    }
    closedir(threads);
    return sum;
}

long process_resident_kib(void) {
    if (!process_known()) return 0;
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%s/status", number());
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    long kib = 0;
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "VmRSS: %ld", &kib) != 1) {
    }
    fclose(file);
    return kib;
}

double own_cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

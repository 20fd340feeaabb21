/* An NVML with devices that tell little, and a list of processes in a layout of choice.
 *
 * STRIDE is the length of a process entry (24, as nvml.h has it; 32, as drivers 535.43 to 535.98 had it), written
 * in full whatever the caller expected; PROCESSES their number. DEVICES is the number of devices (1); LOST=i is
 * one that has fallen off the bus; SEGV_AT=i one that crashes the library. COMPUTE_MODE is the
 * compute mode (0). Symbols that are not here are missing.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef STRIDE
#define STRIDE 24
#endif
#ifndef PROCESSES
#define PROCESSES 0
#endif
#ifndef DEVICES
#define DEVICES 1
#endif
#ifndef LOST
#define LOST -1
#endif
#ifndef SEGV_AT
#define SEGV_AT -1
#endif

static int devices[64];

int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) {
    FILE *log = fopen(LOG, "a");
    fputs("shut down\n", log);
    fclose(log);
    return 0;
}
int nvmlSystemGetDriverVersion(char *text, unsigned length) {
    snprintf(text, length, "535.54.03");
    return 0;
}
int nvmlSystemGetNVMLVersion(char *text, unsigned length) { snprintf(text, length, "12.535.54.03"); return 0; }
int nvmlSystemGetCudaDriverVersion(int *version) { *version = 12020; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = DEVICES; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    if ((int)index == LOST) return 15;
    if ((int)index == SEGV_AT) *(volatile int *)8 = 1;
    *device = &devices[index];
    return 0;
}
int nvmlDeviceGetName(void *device, char *text, unsigned length) {
    (void)device;
    snprintf(text, length, "Stand-in");
    return 0;
}

struct pci {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
};
int nvmlDeviceGetPciInfo_v3(void *device, struct pci *pci) {
    memset(pci, 0, sizeof *pci);
    pci->id = 0x1eb810de;
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000001:%02X:00.0", (int)((int *)device - devices) + 0x3b);
    return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, uint64_t *memory) {
    (void)device;
    memory[0] = 300, memory[1] = 200, memory[2] = 100;
    return 0;
}
#ifndef COMPUTE_MODE
#define COMPUTE_MODE 0
#endif
int nvmlDeviceGetComputeMode(void *device, unsigned *mode) { (void)device; *mode = COMPUTE_MODE; return 0; }
int nvmlDeviceGetApplicationsClock(void *device, unsigned clock, unsigned *mhz) {
    (void)device;
    *mhz = clock == 1 ? 562 : 5000;
    return 0;
}
int nvmlDeviceGetDefaultApplicationsClock(void *device, unsigned clock, unsigned *mhz) {
    (void)device;
    *mhz = clock == 1 ? 585 : 5001;
    return 0;
}
int nvmlDeviceGetPowerUsage(void *device, unsigned *power) { (void)device, (void)power; return 3; }
int nvmlDeviceGetVirtualizationMode(void *device, unsigned *mode) { (void)device; *mode = 77; return 0; }
int nvmlDeviceGetPersistenceMode(void *device, unsigned *mode) { (void)device, (void)mode; return 4711; }

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, unsigned char *entries) {
    (void)device;
    unsigned room = *count;
    *count = PROCESSES;
    if (room < PROCESSES) return 7;
    for (unsigned i = 0; i < PROCESSES; i++) {
        unsigned char *entry = entries + i * STRIDE;
        uint32_t pid = 4000000 + i;
        uint64_t memory = (i + 1) * 1000;
        memcpy(entry, &pid, 4);
        memcpy(entry + 8, &memory, 8);
        memset(entry + 16, 0xff, 8);
        memset(entry + 24, 0, STRIDE - 24);
    }
    return 0;
}

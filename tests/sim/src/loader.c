/* What happens when a library is loaded and unloaded. NAME is what it calls itself. */
void gpusim_loaded(const char *name);
void gpusim_unloaded(const char *name);

__attribute__((constructor)) static void loaded(void) { gpusim_loaded(NAME); }
__attribute__((destructor)) static void unloaded(void) { gpusim_unloaded(NAME); }

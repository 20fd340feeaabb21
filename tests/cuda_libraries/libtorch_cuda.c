/* A library that does nothing: what it is linked with is all that matters. */
int nothing;

extern const long kTable[4];

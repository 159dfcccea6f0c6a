/* Little-endian numbers, and CRC-32 (IEEE 802.3), for GVAD's programs. make_table() comes before the first CRC. */
typedef unsigned char byte;
typedef unsigned int word;

static inline word get16(const byte *from)
{
	return from[0] | (word)from[1] << 8;
}

static inline word get32(const byte *from)
{
	return get16(from) | get16(from + 2) << 16;
}

static inline void put16(byte *to, word value)
{
	to[0] = (byte)value;
	to[1] = (byte)(value >> 8);
}

static inline void put32(byte *to, word value)
{
	put16(to, value);
	put16(to + 2, value >> 16);
}

static word table[4][256];

static void make_table(void)
{
	for (word i = 0; i < 256; i++) {
		word value = i;
		for (int bit = 0; bit < 8; bit++)
			value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
		table[0][i] = value;
	}
	for (word i = 0; i < 256; i++)
		for (int j = 1; j < 4; j++)
			table[j][i] = table[j - 1][i] >> 8 ^ table[0][table[j - 1][i] & 255];
}

/* Four bytes at a time: under emulation each instruction counts. */
static word crc32_more(word value, const byte *data, long size)
{
	value = ~value;
	for (; size >= 4; data += 4, size -= 4) {
		value ^= get32(data);
		value = table[3][value & 255] ^ table[2][value >> 8 & 255] ^ table[1][value >> 16 & 255] ^
			table[0][value >> 24];
	}
	while (size-- > 0)
		value = value >> 8 ^ table[0][(value ^ *data++) & 255];
	return ~value;
}

static inline word crc32(const byte *data, long size)
{
	return crc32_more(0, data, size);
}

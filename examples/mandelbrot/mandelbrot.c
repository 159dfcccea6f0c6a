/*
 * mandelbrot FIRST_ROW ROW_COUNT OUTFILE
 *
 * Computes rows of a picture of the Mandelbrot set, 1600x800 points. OUTFILE gets one byte per point, row by
 * row: the number of iterations that take the point out of the circle of radius 2, or 100 where more are needed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1600, HEIGHT = 800, MAX_ITERATIONS = 100 };

/* The middle of the picture and the distance of its points: -3.15..1.65 by -1.2..1.2, all of the set. */
static const double CENTRE_RE = -0.75, CENTRE_IM = 0.0, STEP = 0.003;

static unsigned char iterations(double c_re, double c_im)
{
    double re = 0, im = 0, re2 = 0, im2 = 0;
    int n = 0;

    while (n < MAX_ITERATIONS && re2 + im2 <= 4) {
        im = 2 * re * im + c_im;
        re = re2 - im2 + c_re;
        re2 = re * re;
        im2 = im * im;
        n++;
    }
    return (unsigned char)n;
}

static void compute_row(long row, unsigned char *points)
{
    double c_im = CENTRE_IM + (HEIGHT / 2 - row - 0.5) * STEP;

    for (int column = 0; column < WIDTH; column++)
        points[column] = iterations(CENTRE_RE + (column - WIDTH / 2 + 0.5) * STEP, c_im);
}

/* Writes the rows; 0 where something could not be written, with the reason in errno. */
static int write_rows(long first, long count, FILE *file)
{
    unsigned char points[WIDTH];

    for (long row = first; row < first + count; row++) {
        compute_row(row, points);
        if (fwrite(points, 1, WIDTH, file) != WIDTH)
            return 0;
    }
    return 1;
}

static long number(const char *what, const char *text, long min, long max)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < min || value > max) {
        fprintf(stderr, "mandelbrot: %s must be a whole number from %ld to %ld: %s\n", what, min, max, text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: mandelbrot FIRST_ROW ROW_COUNT OUTFILE\n", stderr);
        return 2;
    }
    long first = number("FIRST_ROW", argv[1], 0, HEIGHT - 1);
    long count = number("ROW_COUNT", argv[2], 1, HEIGHT - first);

    FILE *file = fopen(argv[3], "wb");
    int written = file != NULL && write_rows(first, count, file);
    int reason = errno;
    /* What a full disk has no room for may be told by fclose only. */
    if (file != NULL && fclose(file) != 0 && written) {
        written = 0;
        reason = errno;
    }
    if (!written) {
        fprintf(stderr, "mandelbrot: cannot write %s: %s\n", argv[3], strerror(reason));
        return 1;
    }
    return 0;
}

/* A small till. */
#include <stdio.h>
#define MOST 64
#define SQUARE(x) ((x) * (x))

/* Coins, by their worth. */
struct till {
    int coins[MOST];
    const char *label;
};

typedef struct till till_t;
typedef int (*visitor)(int, void *);

enum failure { EMPTY, SHORT = 2 };

union word {
    int i;
    float f;
};

static int total = 0;
extern int outside(void);

/** Adds everything up. */
static int count(const struct till *t)
{
    int sum = 0;
    for (int i = 0; i < MOST; i++)
        sum += t->coins[i];
    return sum;
}

#ifdef DEBUG
char *name(struct till *t) { return (char *)t->label; }
#endif

int main(int argc, char **argv) {
    printf("%d\n", count(&(struct till){ .label = "x" }));
    return 0;
}

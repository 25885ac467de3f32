package org.example.till;

import java.util.*;

/**
 * Coins, by their worth.
 */
@Deprecated
public final class Sample<T extends Comparable<T>> extends Base implements Count {
    /** The most coins. */
    public static final int MOST = 64, LEAST = 0;
    private Map<Integer, Integer> coins = new HashMap<>();

    public Sample(String label) {
        this.coins.clear();
    }

    /** Adds everything up. */
    @Override
    public int count() {
        return coins.entrySet().stream().mapToInt(e -> e.getKey() * e.getValue()).sum();
    }

    abstract void take(int amount) throws IllegalStateException;

    enum Failure { EMPTY, SHORT; }

    interface Count {
        int count();
    }

    record Coin(int worth, String name) {
        Coin {
            if (worth < 0) throw new IllegalArgumentException();
        }
    }

    @interface Marked {
        String value() default "";
    }
}

package org.example.till

import kotlin.math.max

/** The most coins. */
const val MOST = 64

/** What can be counted. */
interface Count {
    val unit: String
    fun count(): Int
}

/**
 * Coins, by their worth.
 */
@Serializable
data class Till(val coins: Map<Int, Int> = mapOf(), private var label: String?) : Count {
    override val unit: String get() = "cent"

    init {
        require(coins.size <= MOST)
    }

    constructor(label: String) : this(mapOf(), label)

    /** Adds everything up. */
    override fun count(): Int = coins.entries.sumOf { (worth, n) -> worth * n }

    companion object {
        fun empty() = Till("empty")
    }
}

object Shop {
    fun open() {}
}

enum class Failure(val code: Int) {
    EMPTY(1),
    SHORT(2),
}

suspend fun <T> T.take(amount: Int, vararg rest: T): T {
    if (amount < 0) throw IllegalArgumentException("negative: $amount")
    return this
}

typealias Purse = List<Int>

package org.example.till

import scala.collection.mutable

/** What can be counted. */
trait Count {
  def count: Int
}

/** Coins, by their worth. */
@deprecated("old", "1.0")
final case class Till(coins: Map[Int, Int], label: Option[String] = None) extends Count {
  private val unit = "cent"
  var open: Boolean = true

  /** Adds everything up. */
  override def count: Int = coins.map { case (worth, n) => worth * n }.sum

  def take(amount: Int): Either[Failure, Int] = {
    if (amount < 0) throw new IllegalArgumentException(s"negative: $amount")
    for {
      x <- Right(amount)
    } yield x
  }
}

object Till {
  val Most = 64
  type Purse = List[Int]
  def apply(): Till = Till(Map.empty)
}

enum Failure:
  case Empty
  case Short(missing: Int)

given ordering: Ordering[Till] = Ordering.by(_.count)

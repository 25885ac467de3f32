// Package till is a small till.
package till

import (
	"errors"
	"fmt"
	str "strings"
)

// MOST is the most coins that a till holds.
const MOST = 64

const (
	// First comes first.
	First = iota
	Second
)

var ErrShort = errors.New("short")

// Till holds coins by their worth.
type Till struct {
	// Coins says how many of each.
	Coins map[int]int
	label string
}

// Count is what can be counted.
type Count interface {
	Count() int
}

type Purse = []int

// Count adds everything up.
func (t *Till) Count() (sum int) {
	for worth, n := range t.Coins {
		sum += worth * n
	}
	return
}

//go:noinline
func Take[T any](amount int, rest ...T) (int, error) {
	inner := func(x int) int { return x }
	if amount < 0 {
		return 0, fmt.Errorf("%s: %w", str.ToUpper("x"), ErrShort)
	}
	return inner(amount), nil
}

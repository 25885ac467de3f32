# frozen_string_literal: true

require 'set'

# A small till.
module Shop
  MOST = 64

  # Coins, by their worth.
  class Till < Base
    attr_reader :coins
    include Comparable

    def initialize(label = nil, *rest, key: 1, **others, &block)
      @coins = Hash.new(0)
      @label = label
    end

    # Adds everything up.
    def count
      @coins.sum { |worth, n| worth * n }
    end

    def self.take(amount)
      raise ArgumentError, "negative: #{amount}" if amount.negative?

      amount
    end

    class << self
      def inner(x) = x
    end

    private

    def empty?
      count.zero?
    end
  end
end

describe 'till' do
  it 'starts empty' do
    expect(Shop::Till.new).to be_empty
  end
end

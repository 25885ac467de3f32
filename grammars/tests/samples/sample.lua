-- A small till.
local json = require("json")

local MOST <const> = 64

--- Coins, by their worth.
local Till = {}
Till.__index = Till

function Till.new(label)
  return setmetatable({ coins = {}, label = label }, Till)
end

--- Adds everything up.
-- @return number
function Till:count()
  local sum = 0
  for worth, n in pairs(self.coins) do
    sum = sum + worth * n
  end
  return sum
end

local function inner(x, ...)
  return x
end

Till.take = function(self, amount)
  if amount < 0 then
    error("negative: " .. amount)
  end
  return inner(amount)
end

return Till

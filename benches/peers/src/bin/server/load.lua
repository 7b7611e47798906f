-- What wrk sends: each request has the next one of a list of tokens, in a circle.
--
-- Arguments: a file with a token in each line, and how many blocks of equal length the file has. Where there are several,
-- the second of the wall clock says which of them is in use: each is of another key of the issuer.

local requests = {}
local blocks, length
local at, block, sent = 0, 0, 0

-- How many requests are sent by one look at the clock.
local LOOK = 32

function init(args)
    for token in io.lines(args[1]) do
        requests[#requests + 1] = wrk.format("GET", "/me", { ["Authorization"] = "Bearer " .. token })
    end
    blocks = tonumber(args[2])
    length = #requests / blocks
end

function request()
    if blocks > 1 then
        if sent % LOOK == 0 then
            block = os.time() % blocks
        end
        sent = sent + 1
    end
    at = at % length + 1
    return requests[block * length + at]
end

-- One line for the program to read: requests, microseconds in all, at the median and at the 99th percentile, answers that
-- refuse, and requests that were not answered.
function done(summary, latency, _)
    local errors = summary.errors
    local unanswered = errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format("measured %d %d %d %d %d %d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), errors.status, unanswered))
end

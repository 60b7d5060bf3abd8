namespace Holdfast.Keyspace;

/// <summary>
/// What makes Lua 5.4 look like the Lua 5.1 of Redis, in Lua 5.4: the names and the rules of conversion of 5.1, tables that scripts cannot change, Redis's errors. It is called with our functions by name and returns what we
/// call. Its own frames are called "holdfast" and are passed over when the place of an error is looked for.
/// </summary>
internal static class ScriptPrelude
{
    /// <summary>The name of its chunk.</summary>
    public static ReadOnlySpan<byte> Name => "@holdfast"u8;

    public static ReadOnlySpan<byte> Text => """
        local native = ...
        local error, type, select, next, pairs, ipairs, rawget, rawset, assert = error, type, select, next, pairs, ipairs, rawget, rawset, assert
        local getmetatable, setmetatable, rawequal, pcall, xpcall, rawtostring, rawtonumber = getmetatable, setmetatable, rawequal, pcall, xpcall, tostring, tonumber
        local getinfo, setrawmetatable, rawcollect = debug.getinfo, debug.setmetatable, collectgarbage
        local string, table, math, coroutine = string, table, math, coroutine
        local floor, ceil, huge, tointeger = math.floor, math.ceil, math.huge, math.tointeger
        local plainformat, find, gsub, match, unpack, pack = string.format, string.find, string.gsub, string.match, table.unpack, table.pack
        local READONLY = "Attempt to modify a readonly table"

        -- Numbers and texts, as 5.1 turns one into the other.
        local function show(n) return plainformat("%.14g", n) end
        local function text(v) if type(v) == "number" then return show(v) end return v end
        local function whole(v)
            if type(v) == "string" then v = rawtonumber(v) or v end
            if type(v) ~= "number" then return v end
            if v ~= v then return math.mininteger end
            return tointeger(v >= 0 and floor(v) or ceil(v)) or (v > 0 and math.maxinteger or math.mininteger)
        end

        -- Where a script is: the nearest frame that is its own.
        local function place()
            local level = 2
            while true do
                local frame = getinfo(level, "Sl")
                if not frame then return nil end
                if frame.what ~= "C" and frame.source ~= "@holdfast" then return frame end
                level = level + 1
            end
        end

        -- The words of 5.4 in those of 5.1.
        local kinds = { global = true, ["local"] = true, field = true, method = true, upvalue = true }
        local function translate(message)
            if type(message) ~= "string" then return message end
            if find(message, "^holdfast:%d+: ") then
                local frame = place()
                message = gsub(message, "^holdfast:%d+: ", "")
                if frame then message = frame.short_src .. ":" .. plainformat("%d", frame.currentline) .. ": " .. message end
            end
            if find(message, "attempt to ", 1, true) then
                message = gsub(message, "(attempt to [%a ]- ?)a (%a+) value %((%a+) '([^']*)'%)", function(what, kind, how, name)
                    if kinds[how] then return what .. how .. " '" .. name .. "' (a " .. kind .. " value)" end
                    return what .. "a " .. kind .. " value"
                end)
                message = gsub(message, "attempt to %a+ a '(%a+)' with a '(%a+)'", function(left, right)
                    return "attempt to perform arithmetic on a " .. (left == "number" and right or left) .. " value"
                end)
            end
            return message
        end

        local function raise(ok, ...)
            if ok then return ... end
            local message, level = ...
            if level == -1 then error({ err = message, ignore_error_stats_update = true }, 0) end
            error(message, level == 1 and 2 or 0)
        end
        local function bridge(name)
            local f = native[name]
            return function(...) return raise(f(...)) end
        end

        -- Tables that are read and never changed: an empty one in front of the real one.
        local shielded = setmetatable({}, { __mode = "k" })
        local sealed = {}
        local function protect(real)
            local meta = { __index = real, __newindex = function() error(READONLY, 2) end, __metatable = sealed, __pairs = function() return next, real, nil end, __len = function() return #real end }
            local front = setmetatable({}, meta)
            shielded[front] = real
            return front, meta
        end
        setmetatable(sealed, { __newindex = function() error(READONLY, 2) end, __metatable = false })
        shielded[sealed] = {}

        -- a .. b is compiled as a .. nil .. b: the nil says that b is to be shown as 5.1 shows it, and then a is too.
        local held
        local mark = {}
        local function concat(left, right)
            if rawequal(right, mark) then
                local tail = held
                held = nil
                if type(left) == "number" then left = show(left) end
                if type(left) == "string" and type(tail) == "string" then return left .. tail end
                local own = type(left) == "table" and getmetatable(left) or type(tail) == "table" and getmetatable(tail)
                local how = type(own) == "table" and rawget(own, "__concat")
                if how then return how(left, tail) end
                error("attempt to concatenate a " .. type(type(left) ~= "string" and left or tail) .. " value", 2)
            end
            if left == nil then
                if type(right) == "number" then right = show(right) end
                held = right
                return mark
            end
            error("attempt to concatenate a nil value", 2)
        end
        setmetatable(mark, { __concat = concat })
        setrawmetatable(nil, { __concat = concat, __metatable = false })

        -- string
        local S = {}
        local byte, char, dump, len, lower, upper, rep, reverse, sub, gmatch, format = string.byte, string.char, string.dump, string.len, string.lower, string.upper, string.rep, string.reverse, string.sub, string.gmatch, plainformat
        function S.byte(s, i, j) return byte(text(s), whole(i), whole(j)) end
        function S.char(...)
            local n = select("#", ...)
            if n == 1 then return char(whole((...))) end
            local codes = { ... }
            for i = 1, n do codes[i] = whole(codes[i]) end
            return char(unpack(codes, 1, n))
        end
        S.dump = function(f) return dump(f) end
        function S.len(s) return len(text(s)) end
        function S.lower(s) return lower(text(s)) end
        function S.upper(s) return upper(text(s)) end
        function S.rep(s, n) return rep(text(s), whole(n)) end
        function S.reverse(s) return reverse(text(s)) end
        function S.sub(s, i, j) return sub(text(s), whole(i), whole(j)) end
        function S.find(s, p, init, plain) return find(text(s), text(p), whole(init), plain) end
        function S.match(s, p, init) return match(text(s), text(p), whole(init)) end
        function S.gmatch(s, p) return gmatch(text(s), text(p)) end
        S.gfind = S.gmatch
        function S.gsub(s, p, by, n)
            local kind = type(by)
            local with = by
            if kind == "number" then with = show(by)
            elseif kind == "function" then with = function(...) return text((by(...))) end
            elseif kind == "table" then with = function(k) return text(by[k]) end end
            return gsub(text(s), text(p), with, whole(n))
        end
        local integral = { d = "d", i = "d", u = "d", c = "c", x = "x", X = "X", o = "o" }
        function S.format(f, ...)
            local n, at = select("#", ...), 0
            local given = { ... }
            local shape = gsub(text(f), "%%([-+ #0]*%d*%.?%d*)(.)", function(flags, kind)
                if kind == "%" then return nil end
                at = at + 1
                local v = given[at]
                if kind == "s" or kind == "q" then
                    if type(v) == "number" then given[at] = show(v)
                    elseif type(v) ~= "string" then error("bad argument #" .. plainformat("%d", at + 1) .. " to 'format' (string expected, got " .. (at > n and "no value" or type(v)) .. ")", 4) end
                    return nil
                end
                local as = integral[kind]
                if as then
                    given[at] = whole(v)
                    return "%" .. flags .. as
                end
            end)
            return format(shape, unpack(given, 1, n))
        end
        local ofstrings = getmetatable("")
        ofstrings.__index = S
        local stringfront = protect(S)
        ofstrings.__metatable = protect({ __index = stringfront })

        -- table
        local T = {}
        local rawconcat, insert, remove, sort = table.concat, table.insert, table.remove, table.sort
        do
            local concat = rawconcat
            function T.concat(t, separator, from, to)
                local i, j = whole(from) or 1, whole(to) or #t
                for at = i, j do
                    if type(t[at]) == "number" then
                        local shown = {}
                        for each = i, j do shown[each] = text(t[each]) end
                        return concat(shown, text(separator), i, j)
                    end
                end
                return concat(t, text(separator), i, j)
            end
        end
        function T.insert(t, ...)
            if select("#", ...) ~= 2 then return insert(t, ...) end
            local at, value = ...
            at = whole(at)
            if type(at) == "number" and (at < 1 or at > #t + 1) then
                for i = #t + 1, at + 1, -1 do t[i] = t[i - 1] end
                t[at] = value
                return
            end
            return insert(t, at, value)
        end
        function T.remove(t, at)
            local last = #t
            if at == nil then at = last end
            at = whole(at)
            if type(at) == "number" and (at < 1 or at > last) then return end
            return remove(t, at)
        end
        T.sort = sort
        function T.getn(t) return #t end
        function T.setn() error("'setn' is obsolete", 2) end
        function T.maxn(t)
            local most = 0
            for k in next, t do if type(k) == "number" and k > most then most = k end end
            return most
        end
        function T.foreach(t, f)
            for k, v in next, t do
                local r = f(k, v)
                if r ~= nil then return r end
            end
        end
        function T.foreachi(t, f)
            for i = 1, #t do
                local r = f(i, t[i])
                if r ~= nil then return r end
            end
        end

        -- math
        local M = {}
        for _, name in ipairs({ "abs", "acos", "asin", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "max", "min", "modf", "pi", "rad", "sin", "sqrt", "tan" }) do M[name] = math[name] end
        local atan, log, fmod, exp = math.atan, math.log, math.fmod, math.exp
        function M.atan(x) return atan(x) end
        function M.atan2(y, x) return atan(y, x) end
        function M.log(x) return log(x) end
        function M.log10(x) return log(x, 10.0) end
        function M.pow(x, y) return x ^ y end
        function M.fmod(x, y) return fmod(x + 0.0, y + 0.0) end
        M.mod = M.fmod
        function M.cosh(x) return (exp(x) + exp(-x)) / 2 end
        function M.sinh(x) return (exp(x) - exp(-x)) / 2 end
        function M.tanh(x) local a = exp(2 * x); if a == huge then return 1.0 end return (a - 1) / (a + 1) end
        function M.ldexp(m, e) return m * 2.0 ^ e end
        function M.frexp(x)
            if x == 0 or x ~= x or x == huge or x == -huge then return x, 0 end
            local e = floor(log(x < 0 and -x or x, 2)) + 1
            local m = x / 2.0 ^ e
            if m >= 1 or m <= -1 then m, e = m / 2, e + 1 elseif m > -0.5 and m < 0.5 then m, e = m * 2, e - 1 end
            return m, e
        end
        local drawn = 0x1234ABCD330E
        local function draw()
            drawn = (drawn * 0x5DEECE66D + 0xB) & 0xFFFFFFFFFFFF
            return (drawn >> 17) % 2147483647 / 2147483647
        end
        function M.random(...)
            local n, r = select("#", ...), draw()
            if n == 0 then return r end
            local low, high = ...
            low = whole(low)
            if n == 1 then
                if low < 1 then error("bad argument #1 to 'random' (interval is empty)", 2) end
                return floor(r * low) + 1
            end
            if n > 2 then error("wrong number of arguments", 2) end
            high = whole(high)
            if low > high then error("bad argument #2 to 'random' (interval is empty)", 2) end
            return floor(r * (high - low + 1)) + low
        end
        function M.randomseed(seed) drawn = (whole(seed) & 0xFFFFFFFF) << 16 | 0x330E end

        -- bit
        local B = {}
        local function signed(n) n = n & 0xFFFFFFFF; if n >= 0x80000000 then return n - 0x100000000 end return n end
        local function bits(v, at, name)
            local n = rawtonumber(v)
            if not n then error("bad argument #" .. plainformat("%d", at) .. " to '" .. name .. "' (number expected, got " .. (v == nil and "no value" or type(v)) .. ")", 3) end
            if n ~= n or n == huge or n == -huge then return 0 end
            local rounded = floor(n + 0.5)
            if n + 0.5 == rounded and rounded % 2 ~= 0 then rounded = rounded - 1 end
            return (tointeger(rounded % 4294967296) or 0)
        end
        local function folded(name, step)
            B[name] = function(first, ...)
                local n = bits(first, 1, name)
                for i = 1, select("#", ...) do n = step(n, bits((select(i, ...)), i + 1, name)) end
                return signed(n)
            end
        end
        folded("band", function(a, b) return a & b end)
        folded("bor", function(a, b) return a | b end)
        folded("bxor", function(a, b) return a ~ b end)
        function B.bnot(v) return signed(~bits(v, 1, "bnot")) end
        function B.tobit(v) return signed(bits(v, 1, "tobit")) end
        function B.lshift(v, n) return signed(bits(v, 1, "lshift") << (bits(n, 2, "lshift") & 31)) end
        function B.rshift(v, n) return signed(bits(v, 1, "rshift") >> (bits(n, 2, "rshift") & 31)) end
        function B.arshift(v, n) return signed(signed(bits(v, 1, "arshift")) >> (bits(n, 2, "arshift") & 31) | (bits(v, 1, "arshift") >= 0x80000000 and ~(0xFFFFFFFF >> (bits(n, 2, "arshift") & 31)) or 0)) end
        function B.rol(v, n) local a, k = bits(v, 1, "rol"), bits(n, 2, "rol") & 31; return signed(a << k | a >> (32 - k)) end
        function B.ror(v, n) local a, k = bits(v, 1, "ror"), bits(n, 2, "ror") & 31; return signed(a >> k | a << (32 - k)) end
        function B.bswap(v) local a = bits(v, 1, "bswap"); return signed(a >> 24 | (a >> 8 & 0xFF00) | (a << 8 & 0xFF0000) | a << 24) end
        function B.tohex(v, n)
            local a, digits = bits(v, 1, "tohex"), n == nil and 8 or signed(bits(n, 2, "tohex"))
            local shape = digits < 0 and "%X" or "%x"
            if digits < 0 then digits = -digits end
            if digits > 8 then digits = 8 end
            return sub("00000000" .. plainformat(shape, a), -digits)
        end

        -- What is global.
        local basic = {}
        basic.assert, basic.error, basic.ipairs, basic.pairs, basic.rawequal, basic.type = assert, error, ipairs, pairs, rawequal, type
        function basic.select(n, ...) return select(whole(n), ...) end
        function basic.next(t, k) return next(shielded[t] or t, k) end
        function basic.rawget(t, k) return rawget(shielded[t] or t, k) end
        function basic.rawset(t, k, v)
            if shielded[t] then error(READONLY, 0) end
            return rawset(t, k, v)
        end
        function basic.setmetatable(t, own)
            if shielded[t] then error(READONLY, 0) end
            local gc = type(own) == "table" and rawget(own, "__gc")
            if not gc then return setmetatable(t, own) end
            rawset(own, "__gc", nil) -- Tables have no finalizers in 5.1.
            setmetatable(t, own)
            rawset(own, "__gc", gc)
            return t
        end
        function basic.getmetatable(v) if v == nil then return nil end return getmetatable(v) end
        function basic.tostring(...)
            if select("#", ...) == 0 then error("bad argument #1 to 'tostring' (value expected)", 2) end
            local v = ...
            if type(v) == "number" then return show(v) end
            return rawtostring(v)
        end
        function basic.tonumber(...)
            if select("#", ...) == 0 then error("bad argument #1 to 'tonumber' (value expected)", 2) end
            local v, base = ...
            if type(v) == "string" then
                local stop = find(v, "\0", 1, true) -- 5.1 reads as far as a C string goes.
                if stop then v = sub(v, 1, stop - 1) end
            end
            local n
            if base == nil or base == 10 then n = rawtonumber(v) else n = rawtonumber(text(v), whole(base)) end
            return n and n + 0.0
        end
        function basic.unpack(t, i, j) return unpack(t, whole(i), whole(j)) end
        function basic.gcinfo() return floor(rawcollect("count")) end
        function basic.collectgarbage(what)
            if what == "count" then return rawcollect("count") end
            rawcollect("step")
            return 0.0
        end
        local function settle(ok, e, ...)
            if ok then return ok, e, ... end
            if type(e) == "table" then
                local m = rawget(e, "err")
                if type(m) == "string" or type(m) == "number" then e = m end
            end
            return false, e
        end
        function basic.pcall(f, ...) return settle(xpcall(f, translate, ...)) end
        function basic.xpcall(f, handler) return xpcall(f, function(e) return handler(translate(e)) end) end
        basic.__select = select
        basic._VERSION = "Lua 5.1"
        local C = { create = coroutine.create, resume = coroutine.resume, status = coroutine.status, wrap = coroutine.wrap, yield = coroutine.yield }
        function C.running()
            local running, main = coroutine.running()
            if not main then return running end
        end

        local J = { _NAME = "cjson", _VERSION = "2.1.0", null = native.nothing }
        for _, name in ipairs({ "encode", "decode", "encode_sparse_array", "encode_max_depth", "decode_max_depth", "encode_number_precision", "encode_keep_buffer", "encode_invalid_numbers", "decode_invalid_numbers", "new" }) do
            J[name] = bridge("cjson." .. name)
        end
        local P = { _NAME = "cmsgpack", _VERSION = "lua-cmsgpack 0.4.0", _COPYRIGHT = "MIT", _DESCRIPTION = "MessagePack C implementation for Lua" }
        for _, name in ipairs({ "pack", "unpack", "unpack_one", "unpack_limit" }) do P[name] = bridge("cmsgpack." .. name) end
        local K = {}
        for _, name in ipairs({ "pack", "unpack", "size" }) do K[name] = bridge("struct." .. name) end
        local libraries = { string = stringfront, table = protect(T), math = protect(M), bit = protect(B), coroutine = protect(C), cjson = protect(J), cmsgpack = protect(P), struct = protect(K) }

        -- redis
        local R = { REDIS_VERSION = native.version, REDIS_VERSION_NUM = native.number, LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3, REPL_NONE = 0, REPL_AOF = 1, REPL_SLAVE = 2, REPL_REPLICA = 2, REPL_ALL = 3 }
        local function refuse(message) error({ err = message, ignore_error_stats_update = true }, 0) end
        do
            local call = native.call
            local function called(ok, ...)
                if ok then return ... end
                refuse((...))
            end
            local function caught(ok, ...)
                if ok then return ... end
                return { err = (...), ignore_error_stats_update = true }
            end
            function R.call(...) return called(call(...)) end
            function R.pcall(...) return caught(call(...)) end
        end
        local function single(field, name)
            R[name] = function(...)
                local v = ...
                if select("#", ...) ~= 1 or type(v) ~= "string" then return { err = "ERR wrong number or type of arguments", ignore_error_stats_update = true } end
                if field == "ok" then return { ok = v } end
                if sub(v, 1, 1) == "-" then v = sub(v, 2) end
                if not find(v, " ", 1, true) then v = "ERR " .. v end
                return { err = v, ignore_error_stats_update = true }
            end
        end
        single("err", "error_reply")
        single("ok", "status_reply")
        function R.sha1hex(...)
            if select("#", ...) ~= 1 then refuse("ERR wrong number of arguments") end
            return raise(native.sha1hex(text((...))))
        end
        function R.log(...)
            if select("#", ...) < 2 then refuse("ERR redis.log() requires two arguments or more.") end
            local level = ...
            if type(level) ~= "number" then refuse("ERR First argument must be a number (log level).") end
            if level < 0 or level > 3 then refuse("ERR Invalid debug level.") end
            local words = {}
            for i = 2, select("#", ...) do words[#words + 1] = rawtostring(text((select(i, ...)))) end
            native.log(level, rawconcat(words, " "))
        end
        function R.setresp(...)
            if select("#", ...) ~= 1 then refuse("ERR redis.setresp() requires one argument.") end
            local version = ...
            if version ~= 2 and version ~= 3 then refuse("ERR RESP version must be 2 or 3.") end
            native.setresp(version)
        end
        function R.set_repl(...)
            if select("#", ...) ~= 1 then refuse("ERR redis.set_repl() requires two arguments.") end
            local flags = whole((...))
            if type(flags) ~= "number" or flags & ~3 ~= 0 then refuse("ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.") end
        end
        function R.replicate_commands() return true end
        function R.breakpoint() return false end
        function R.debug() end
        R.acl_check_cmd = bridge("acl_check_cmd")

        local function missing(_, name) error("Script attempted to access nonexistent global variable '" .. rawtostring(name) .. "'", 2) end
        local function environment(own)
            local real, front, meta = {}
            for k, v in pairs(basic) do real[k] = v end
            for k, v in pairs(libraries) do real[k] = v end
            for k, v in pairs(own) do real[k] = v end
            front, meta = protect(real)
            real._G = front
            local load = native.load
            function real.loadstring(source, name)
                if type(source) == "number" then source = show(source) end
                if type(source) ~= "string" then error("bad argument #1 to 'loadstring' (string expected, got " .. (source == nil and "no value" or type(source)) .. ")", 2) end
                return raise(load(source, name or source, front))
            end
            function real.load(read, name)
                if type(read) ~= "function" then error("bad argument #1 to 'load' (function expected, got " .. (read == nil and "no value" or type(read)) .. ")", 2) end
                local pieces = {}
                while true do
                    local piece = read()
                    if piece == nil or piece == "" then break end
                    pieces[#pieces + 1] = piece
                end
                return raise(load(rawconcat(pieces), name or "=(load)", front))
            end
            setmetatable(real, { __index = missing })
            return front, real, meta
        end

        local scriptfront, scriptreal = environment({ redis = protect(R) })

        -- Functions (FUNCTION LOAD): while a library is loaded it registers, afterwards it calls.
        local F = { register_function = bridge("register_function") }
        for _, name in ipairs({ "log", "LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING", "REDIS_VERSION", "REDIS_VERSION_NUM" }) do F[name] = R[name] end
        local loading = false
        local functionredis = setmetatable({}, { __index = function(_, name)
            local v = (loading and F or R)[name]
            if v == nil and loading then error("Script attempted to access nonexistent global variable '" .. rawtostring(name) .. "'", 2) end
            return v
        end, __newindex = function() error(READONLY, 2) end, __metatable = sealed })
        shielded[functionredis] = R
        local functionfront, functionreal, functionmeta = environment({ redis = functionredis })
        local visible = setmetatable({ redis = functionredis, __select = select }, { __index = missing }) -- A library that is loaded sees nothing else.

        local function catch(e)
            if type(e) ~= "table" then e = { err = "ERR " .. rawtostring(translate(e)) } end
            local frame = place()
            if frame then e.source, e.line = frame.source, frame.currentline end
            return e
        end

        return { scripts = scriptfront, globals = scriptreal, functions = functionfront, catch = catch, loading = function(on) loading = on; functionmeta.__index = on and visible or functionreal end }
        """u8;
}

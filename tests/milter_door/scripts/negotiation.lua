-- What is agreed on with mail servers of every version, commands that the mail server does not know, and clients that
-- leave politely and not.

local function must(fault, what)
    if fault ~= nil then error(what .. ": " .. fault) end
end

local function answer(conn, want, what)
    local got = mt.getreply(conn)
    if got ~= want then error(what .. " was answered by " .. tostring(got) .. ", not " .. want) end
end

local function fax(conn, text, want)
    must(mt.mailfrom(conn, "<anna@example.com>"), "mail")
    must(mt.rcptto(conn, "<+12125550123@fax.example.com>"), "rcpt")
    answer(conn, SMFIR_CONTINUE, "rcpt")
    must(mt.header(conn, "Subject", "x"), "header")
    must(mt.eoh(conn), "eoh")
    must(mt.bodystring(conn, text .. "\r\n"), "body")
    must(mt.eom(conn), "end")
    answer(conn, want, "the end")
end

-- Whoever allows nothing but the two actions is served as well as whoever allows all.
for _, offer in ipairs({ { 6, 0x1ff, 0x1fffff }, { 6, 0x19, 0 }, { 6, 0x19, 0x7f }, { 4, 0x3f, 0x3ff }, { 2, 0x3f, 0x7f } }) do
    local version, actions, steps = offer[1], offer[2], offer[3]
    local conn = mt.connect(place)
    -- Whatever its manual says, miltertest takes the steps before the actions.
    must(mt.negotiate(conn, version, steps, actions), "negotiation of version " .. version)
    if mt.test_action(conn, SMFIF_CHGBODY) then error("it wants to change bodies") end
    if mt.test_action(conn, SMFIF_QUARANTINE) then error("it wants to quarantine") end
    must(mt.conninfo(conn, "client.example", "192.0.2.7"), "connect")
    must(mt.helo(conn, "client.example"), "helo")
    fax(conn, "version " .. version .. ", steps " .. steps, SMFIR_DISCARD)
    mt.disconnect(conn)
end

-- Commands that nobody knows change nothing, wherever they come.
local conn = mt.connect(place)
must(mt.negotiate(conn, 6, 0x1ffeff, 0x1ff), "negotiation")
must(mt.conninfo(conn, "client.example", "192.0.2.7"), "connect")
must(mt.unknown(conn, "XCLIENT NAME=spike"), "unknown")
must(mt.helo(conn, "client.example"), "helo")
must(mt.unknown(conn, "TURN"), "unknown")
must(mt.mailfrom(conn, "<anna@example.com>"), "mail")
must(mt.unknown(conn, "WIZ"), "unknown")
must(mt.rcptto(conn, "<+12125550123@fax.example.com>"), "rcpt")
answer(conn, SMFIR_CONTINUE, "rcpt")
must(mt.unknown(conn, string.rep("X", 400)), "unknown")
must(mt.data(conn), "data")
must(mt.header(conn, "Subject", "x"), "header")
must(mt.eoh(conn), "eoh")
must(mt.bodystring(conn, "after words nobody knows\r\n"), "body")
must(mt.eom(conn), "end")
answer(conn, SMFIR_DISCARD, "the end")

-- Bytes of every value, in every place where a mail server may put them.
for _, bytes in ipairs({ "\1\127\128\255", string.rep("\255", 300), "%s%n%1$s", "\r\n.\r\nRCPT TO:<x>" }) do
    must(mt.mailfrom(conn, "<" .. bytes .. "@example.com>"), "mail")
    must(mt.rcptto(conn, "<" .. bytes .. "@fax.example.com>"), "rcpt")
    if mt.getreply(conn) == SMFIR_CONTINUE then error("bytes are a number") end
    must(mt.abort(conn), "abort")
end
fax(conn, "after bytes of every value", SMFIR_DISCARD)
mt.disconnect(conn, false)

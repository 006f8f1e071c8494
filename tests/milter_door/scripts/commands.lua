-- Every command of the protocol, and three messages on one connection.

local function must(fault, what)
    if fault ~= nil then error(what .. ": " .. fault) end
end

local function answer(conn, want, what)
    local got = mt.getreply(conn)
    if got ~= want then error(what .. " was answered by " .. got .. ", not " .. want) end
end

local conn = mt.connect(place)
if conn == nil then error("nobody listens at " .. place) end
must(mt.negotiate(conn, nil, nil, nil), "negotiation")
if not mt.test_action(conn, SMFIF_DELRCPT) or not mt.test_action(conn, SMFIF_ADDHDRS) then
    error("it does not ask for what it needs")
end
must(mt.macro(conn, SMFIC_CONNECT, "j", "mx.example.com", "{client_addr}", "192.0.2.7"), "macros")
must(mt.conninfo(conn, "client.example", "192.0.2.7"), "connect")
must(mt.helo(conn, "client.example"), "helo")

local function envelope(recipients)
    must(mt.macro(conn, SMFIC_MAIL, "{mail_addr}", "anna@example.com"), "macros")
    must(mt.mailfrom(conn, "<anna@example.com>", "SIZE=100", "RET=HDRS"), "mail")
    for _, recipient in ipairs(recipients) do
        must(mt.rcptto(conn, recipient, "NOTIFY=NEVER"), "rcpt")
        answer(conn, SMFIR_CONTINUE, recipient)
    end
    must(mt.data(conn), "data")
end

local function content()
    must(mt.header(conn, "From", "anna@example.com"), "header")
    must(mt.header(conn, "Subject", "hello\n there"), "header")
    must(mt.header(conn, "X-Fax-Job", "foreign"), "header")
    must(mt.eoh(conn), "eoh")
    must(mt.bodystring(conn, "one\r\n"), "body")
    answer(conn, SMFIR_CONTINUE, "body")
    must(mt.bodyrandom(conn, 100000), "body")
    must(mt.eom(conn), "end")
end

-- a fax alone
envelope({ "<+12125550123@fax.example.com>" })
answer(conn, SMFIR_CONTINUE, "data")
content()
answer(conn, SMFIR_DISCARD, "the end of a fax")

-- mixed
envelope({ "<bob@example.com>", "<+12125550123@fax.example.com>", "<2125550124@fax.example.com>" })
content()
answer(conn, SMFIR_ACCEPT, "the end of mixed mail")
for _, recipient in ipairs({ "<+12125550123@fax.example.com>", "<2125550124@fax.example.com>" }) do
    if not mt.eom_check(conn, MT_RCPTDELETE, recipient) then error(recipient .. " stays") end
end
if mt.eom_check(conn, MT_RCPTDELETE, "<bob@example.com>") then error("bob is gone") end
if not mt.eom_check(conn, MT_HDRADD, "X-Fax-Job") then error("the job is not named") end
if not mt.eom_check(conn, MT_HDRDELETE, "X-Fax-Job") then error("a foreign job stays") end
if mt.eom_check(conn, MT_BODYCHANGE) or mt.eom_check(conn, MT_QUARANTINE) then error("too much") end

-- somebody else's
envelope({ "<bob@example.com>" })
answer(conn, SMFIR_ACCEPT, "data of somebody else's")

mt.disconnect(conn)

dnl Faxgate as a milter of Sendmail (8.14 or later): lines for /etc/mail/sendmail.mc, before its MAILER lines.
dnl
dnl In faxgate.toml:
dnl
dnl     [milter]
dnl     listen = ["inet:8898@127.0.0.1"]
dnl     trust_mta_auth = true              # if whoever logs in at Sendmail may fax
dnl     [address]
dnl     domains = ["fax.example.com"]
dnl     [policy]
dnl     networks = ["192.0.2.0/24"]        # Sendmail's clients that may fax without a login
dnl
dnl What a client asks for beside the fax (DSN, and DELIVERBY: when it is too late) reaches Faxgate.
dnl
dnl Sendmail takes mail for the fax domain; Faxgate says which numbers are good.
RELAY_DOMAIN(`fax.example.com')dnl
dnl F=T: if Faxgate does not answer, clients are told to come again. Without it their mail would pass by the milter.
INPUT_MAIL_FILTER(`faxgate', `S=inet:8898@127.0.0.1, F=T, T=C:10s;S:30s;R:30s;E:5m')dnl

//! `faxgate policy`: whether somebody may fax to a number, and why: every rule that was looked at, what it said, what
//! the fax costs and which quotas it counts for. It asks the configuration, and no running gateway.

use std::net::IpAddr;

use clap::Args;
use serde_json::json;

use super::{Failure, out};
use crate::address::{Classes, Client, DialPlan, FaxAddress, Policy, Standing, Trail, number};
use crate::config::Config;

/// Who asks, and for what.
#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// The number, as it would be written in an address
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// The sender's address
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// Somebody who has signed in
    #[arg(long, value_name = "NAME", conflicts_with = "ip")]
    user: Option<String>,
    /// A machine, by its address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, args: &PolicyArgs) -> Result<(), Failure> {
    let plan = DialPlan::new(config.dial_plan.clone()).map_err(Failure::failed)?;
    let policy = Policy::new(config.policy.clone()).map_err(Failure::failed)?;
    let fax = FaxAddress::parse(&number::by_hand(&args.to)).map_err(Failure::usage)?;
    let client = match (&args.user, args.ip) {
        (Some(name), _) => Client::User(name.clone()),
        (None, Some(address)) => Client::Machine(address),
        // Nobody vouches: what remains is what the mail itself can prove.
        (None, None) => Client::Author(args.from.clone()),
    };
    let mut trail = Trail::default();
    let number = plan.number(&fax.phone).map_err(|error| error.to_string());
    let decided = number.and_then(|number| {
        let class = Classes::new(&config.dial_plan).of(&number);
        let decided = policy.decide(&client, Some(&args.from), &number, class, &mut trail);
        let cost = format!("{} {} for one page", policy.cost(&number, class, 1), policy.currency());
        decided.map(|standing| (standing, number, class, cost)).map_err(|denial| denial.to_string())
    });
    let person = client.person(Some(&args.from));
    let quotas: Vec<(String, String)> = policy
        .accounts(&person, Some(&args.from))
        .into_iter()
        .map(|account| (account.to_string(), policy.quota(&account).to_string()))
        .collect();
    if args.json {
        let answer = match &decided {
            Ok((standing, number, class, cost)) => json!({
                "may": true,
                "to_be_proved": *standing == Standing::ToBeProved,
                "number": number,
                "class": class,
                "cost": cost,
                "quotas": quotas,
                "trail": trail.0,
            }),
            Err(why) => json!({ "may": false, "why": why, "quotas": quotas, "trail": trail.0 }),
        };
        out::line(format_args!("{answer}"));
    } else {
        trail.0.iter().for_each(|step| out::line(format_args!("  {step}")));
        if let Ok((.., cost)) = &decided {
            quotas
                .iter()
                .for_each(|(account, quota)| out::line(format_args!("  quota of {account}: {quota}")));
            out::line(format_args!("  cost: {cost}"));
        }
    }
    match decided {
        Ok((Standing::Proved, number, ..)) if !args.json => out::line(format_args!("yes, to {number}")),
        Ok((Standing::ToBeProved, number, ..)) if !args.json => {
            out::line(format_args!("yes, to {number}, if the mail proves its author"));
        }
        Ok(_) => {}
        Err(why) => return Err(Failure::not_permitted(format!("no: {why}"))),
    }
    Ok(())
}

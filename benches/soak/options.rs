//! What is asked for on the command line.

use std::time::Duration;

use crate::plant::Plant;

const USAGE: &str =
    "--minutes N or --seconds N, and if you like --plot, and --plant verdict, memory, descriptors or death";

pub struct Options {
    pub duration: Duration,
    pub plots: bool,
    pub plant: Option<Plant>,
}

impl Options {
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { duration: Duration::from_secs(20), plots: false, plant: None };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| USAGE.to_owned());
            let number =
                |text: String| text.parse::<u64>().map_err(|_| format!("{text} is no number: {USAGE}"));
            match &*argument {
                "--bench" => {}
                "--minutes" => options.duration = Duration::from_secs(60 * number(value()?)?),
                "--seconds" => options.duration = Duration::from_secs(number(value()?)?),
                "--plot" => options.plots = true,
                "--plant" => {
                    let name = value()?;
                    let plant =
                        Plant::of_name(&name).ok_or_else(|| format!("{name} is no plant: {USAGE}"))?;
                    options.plant = Some(plant);
                }
                _ => return Err(format!("{argument} is not known: {USAGE}")),
            }
        }
        Ok(options)
    }
}

// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FLOWCONTRACT
#define FLASHSIM_FLOWCONTRACT

#include "FlashSim/values/ValueType.hxx"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace FlashSim {

/// Output of a model.
enum class EModelKind {
   kFlow,        ///< samples of target variables, made from noise (Flow)
   kEfficiency,  ///< the probability that an object is reconstructed (ProbabilityModel)
   kMultiplicity ///< the probabilities of 0, 1, ... objects (ProbabilityModel)
};

/// Meaning of a row of a model's context.
enum class EModelLevel {
   kObject, ///< an object of the source
   kEvent   ///< a GEN event; all context columns are scalars
};

/// One input (context) or output (target) variable of a model.
struct FlowVariable {
   std::string fName;                       ///< as in the column's name: `pt` for `GenJet_pt` or `Jet_pt`
   std::string fUnit;                       ///< "GeV", "rad", or empty
   EValueType fType = EValueType::kFloat32; ///< type of the column
   double fMin = 0;                         ///< smallest value that the variable takes
   double fMax = 0;                         ///< largest value that the variable takes
};

/// \brief Inputs and outputs of a flow, an efficiency or a multiplicity: the JSON document under the key `flashsim` of
/// the model's metadata.
///
/// The document's schema is `flow.schema.json` in the Python package. Documents of schema 1, which has flows of objects
/// only, are read as well.
struct FlowContract {
   EModelKind fKind = EModelKind::kFlow;
   EModelLevel fLevel = EModelLevel::kObject;
   std::string fName;       ///< name of the model, and key of its random numbers
   std::string fCollection; ///< prefix of the RECO columns, e.g. "Jet"
   std::string fSource;     ///< prefix of the GEN columns, e.g. "GenJet"; may be empty at the level of events
   std::string fSortBy;     ///< target by which a RECO event's objects are sorted, descending; empty: not sorted
   std::vector<FlowVariable> fContext; ///< the columns of the tensor `context`
   std::vector<FlowVariable> fTarget;  ///< the columns of the tensor `sample`; empty unless it is a flow
   std::size_t fNoiseDimension = 0;    ///< the width of the tensor `noise`; 0 unless it is a flow
   std::size_t fMaximum = 0;           ///< largest number of objects of a multiplicity
   std::optional<int> fDefaultSteps;   ///< default number of ODE steps; none for a one-shot flow
   std::string fSolver;                ///< ODE solver; empty for a one-shot flow
   std::string fChecksum;              ///< SHA-256 of the model in hexadecimal digits; empty if there is none
   std::string fMetadata;              ///< the JSON document as it stands in the file

   /// "flow", "efficiency" or "multiplicity", as in the metadata.
   std::string GetKindName() const;

   /// Index of the target `name`, or the number of targets if there is none of that name.
   std::size_t FindTarget(const std::string &name) const;

   /// Default column of a context variable: "GenJet_pt", or "pt" for a model without a source.
   std::string GetContextColumn(const std::string &variable) const;

   /// \brief Reads the document and checks every field of it.
   /// \param[in] json the text, \param[in] path the model's file, for messages
   /// \throws std::runtime_error naming the file, the field, its value and the expected one
   static FlowContract FromJson(const std::string &json, const std::string &path);
};

} // namespace FlashSim

#endif

// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FLOWCONTRACT
#define FLASHSIM_FLOWCONTRACT

#include "FlashSim/values/ValueType.hxx"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace FlashSim {

/// One variable that a flow takes (context) or gives (target).
struct FlowVariable {
   std::string fName;                       ///< as in the column's name: `pt` for `GenJet_pt` or `Jet_pt`
   std::string fUnit;                       ///< "GeV", "rad", or empty
   EValueType fType = EValueType::kFloat32; ///< type of the column
   double fMin = 0;                         ///< smallest value that the variable takes
   double fMax = 0;                         ///< largest value that the variable takes
};

/// \brief What a flow takes and gives: the JSON document under the key `flashsim` of the model's metadata.
///
/// The document's schema is published as `flow.schema.json` in the Python package.
struct FlowContract {
   std::string fName;       ///< name of the flow, which also keys its noise
   std::string fCollection; ///< prefix of the RECO columns, e.g. "Jet"
   std::string fSource;     ///< prefix of the GEN columns, e.g. "GenJet"
   std::string fSortBy;     ///< target by which a RECO event's objects are sorted, descending; empty: not sorted
   std::vector<FlowVariable> fContext; ///< the columns of the tensor `context`
   std::vector<FlowVariable> fTarget;  ///< the columns of the tensor `sample`
   std::size_t fNoiseDimension = 0;    ///< the width of the tensor `noise`
   std::optional<int> fDefaultSteps;   ///< ODE steps unless the user says otherwise; none for a one-shot flow
   std::string fSolver;                ///< ODE solver; empty for a one-shot flow
   std::string fChecksum;              ///< SHA-256 of the flow in hexadecimal digits; empty if it bears none
   std::string fMetadata;              ///< the JSON document as it stands in the file

   /// Index of the target `name`, or the number of targets if there is none of that name.
   std::size_t FindTarget(const std::string &name) const;

   /// \brief Reads the document and checks every field of it.
   /// \param[in] json the text, \param[in] path the flow's file, for messages
   /// \throws std::runtime_error naming the file, the field, what was found and what was expected
   static FlowContract FromJson(const std::string &json, const std::string &path);
};

} // namespace FlashSim

#endif
